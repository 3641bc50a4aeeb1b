# Running time follows difficulty: end-to-end time against output length by dataset, from
# requests.csv.
array names[64]
count = 0
is_known(name) = count > 0 && (sum [i = 1:count] (names[i] eq name)) > 0
note(name) = is_known(name) || count == 64 ? 0 : (count = count + 1, names[count] = name, 0)
stats 'requests.csv' skip 1 using (note(strcol(2))) name 'all' nooutput
colours = '#0072B2 #E69F00 #009E73 #D55E00 #CC79A7 #56B4E9'
set logscale xy
set format xy '%g'
set xlabel 'output tokens, reasoning included'
set ylabel 'end to end (s)'
plot for [i = 1:count] 'requests.csv' skip 1 \
     using (strcol(2) eq names[i] ? $5 : NaN):($12 - $8) \
     with points pt 6 ps 0.6 lc rgb word(colours, 1 + (i - 1) % 6) title names[i] noenhanced
