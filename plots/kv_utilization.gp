# KV-cache utilization over time, from timeline.csv.
stats 'timeline.csv' skip 1 using ($2 * 100) name 'kv' nooutput
set xlabel 'time (s)'
set ylabel 'KV cache in use (%)'
set xrange [0:*]
set yrange [0:(kv_max > 80 ? 100 : ceil(kv_max / 5.0) * 5 + 5)]
plot 'timeline.csv' skip 1 using 1:($2 * 100) with filledcurves y1=0 fc rgb sky fs solid 0.35 notitle, \
     '' skip 1 using 1:($2 * 100) lc rgb blue lw 1.2 title 'KV cache in use', \
     kv_mean lc rgb vermilion lw 1.4 dt 2 title sprintf('mean %.1f %%', kv_mean)
