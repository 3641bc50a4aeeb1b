# KV-cache utilization over time, from kv_utilization.csv.
stats table skip 1 using (note(strcol(1), strcol(2))) nooutput
stats table skip 1 using 4 name 'kv' nooutput
set xlabel 'time (s)'
set ylabel 'KV cache in use ('.percent.')'
set xrange [0:*]
set yrange [0:(kv_max > 80 ? 100 : ceil(kv_max / 5.0) * 5 + 5)]
if (name_count == 1) {
    plot table skip 1 using 3:4 with filledcurves y1=0 fc rgb sky fs solid 0.35 notitle, \
         '' skip 1 using 3:4 lc rgb blue lw 1.2 title shown(names[1]) noenhanced
} else {
    plot for [i = 1:name_count] table skip 1 using 3:(only(1, i, $4)) \
         lc rgb colour(i) dt dashes(i) lw 1.2 title shown(names[i]) noenhanced
}
