# Running time follows difficulty: end-to-end time against output length by dataset, from
# requests.csv.
datasets = system("tail -n +2 requests.csv | cut -d, -f2 | sort -u | tr '\\n' ' '")
colours = '#0072B2 #E69F00 #009E73 #D55E00 #CC79A7 #56B4E9'
set logscale xy
set format xy '%g'
set xlabel 'output tokens, reasoning included'
set ylabel 'end to end (s)'
plot for [i = 1:words(datasets)] 'requests.csv' skip 1 \
     using (strcol(2) eq word(datasets, i) ? $5 : NaN):($12 - $8) \
     with points pt 6 ps 0.6 lc rgb word(colours, 1 + (i - 1) % 6) title word(datasets, i)
