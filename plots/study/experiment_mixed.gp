# Requests still running of a batch of GSM8K and AIME-2024, and their KV cache, from
# experiment_mixed.csv.
set xlabel 'time (s)'
set ylabel 'running requests'
set y2label 'KV cache in use (%)'
set y2tics nomirror
set yrange [0:*]
set y2range [0:*]
plot 'experiment_mixed.csv' skip 1 using 1:2 with steps lw 1.8 lc rgb blue title 'running', \
     '' skip 1 using 1:($3 * 100) axes x1y2 lw 1.2 lc rgb vermilion title 'KV cache (right axis)'
