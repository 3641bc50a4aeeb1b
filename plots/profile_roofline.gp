# Achieved rate of each operation over its arithmetic intensity, from profile_operations.csv; the lines
# are the best bandwidth and the best rate reached. Sampling computes nothing to speak of.
operations = system("grep -v '^operation\\|^sample' profile_operations.csv | cut -d, -f1 | sort -u | tr '\\n' ' '")
colours = '#0072B2 #E69F00 #009E73 #D55E00 #CC79A7 #56B4E9'
stats 'profile_operations.csv' skip 1 using 5 name 'BAND' nooutput
stats 'profile_operations.csv' skip 1 using 6 name 'RATE' nooutput
set logscale xy
set format xy '%g'
set xlabel 'FLOP a byte'
set ylabel 'TFLOP/s'
roof(x) = BAND_max * x < RATE_max ? BAND_max * x : RATE_max
plot roof(x) lc rgb dark dt 2 title sprintf('%.2f TB/s, %.0f TFLOP/s', BAND_max, RATE_max), \
     for [i = 1:words(operations)] 'profile_operations.csv' skip 1 \
     using (strcol(1) eq word(operations, i) ? $7 : NaN):6 with points pt 7 ps 0.9 \
     lc rgb word(colours, 1 + (i - 1) % 6) title word(operations, i) noenhanced
