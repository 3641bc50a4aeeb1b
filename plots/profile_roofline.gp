# Achieved rate of each operation over its arithmetic intensity, from profile_operations.csv; the lines
# are the best bandwidth and the best rate reached. Sampling computes nothing to speak of.
array names[32]
count = 0
is_known(name) = count > 0 && (sum [i = 1:count] (names[i] eq name)) > 0
is_left_out(name) = strstrt(name, 'sample') == 1 || count == 32
note(name) = is_left_out(name) || is_known(name) ? 0 : (count = count + 1, names[count] = name, 0)
stats 'profile_operations.csv' skip 1 using (note(strcol(1))) name 'all' nooutput
colours = '#0072B2 #E69F00 #009E73 #D55E00 #CC79A7 #56B4E9'
stats 'profile_operations.csv' skip 1 using 5 name 'BAND' nooutput
stats 'profile_operations.csv' skip 1 using 6 name 'RATE' nooutput
set logscale xy
set format xy '%g'
set xlabel 'FLOP a byte'
set ylabel 'TFLOP/s'
roof(x) = BAND_max * x < RATE_max ? BAND_max * x : RATE_max
plot roof(x) lc rgb dark dt 2 title sprintf('%.2f TB/s, %.0f TFLOP/s', BAND_max, RATE_max), \
     for [i = 1:count] 'profile_operations.csv' skip 1 \
     using (strcol(1) eq names[i] ? $7 : NaN):6 with points pt 7 ps 0.9 \
     lc rgb word(colours, 1 + (i - 1) % 6) title names[i] noenhanced
