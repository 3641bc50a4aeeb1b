# Running and waiting requests over time: the long tail of stragglers, from running_waiting.csv.
stats table skip 1 using (note(strcol(1), strcol(2))) nooutput
set xlabel 'time (s)'
set ylabel 'requests'
set xrange [0:*]
set yrange [0:*]
plot for [i = 1:name_count] table skip 1 using 3:(only(1, i, $4)) \
     lc rgb colour(i) dt dashes(i) lw 1.4 title shown(names[i]) noenhanced
