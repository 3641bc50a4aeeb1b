# Running and waiting requests over time: the long tail of stragglers, from timeline.csv.
stats 'timeline.csv' skip 1 using 5 name 'queue' nooutput
waiting_title = queue_max > 0 ? 'waiting' : 'waiting (none)'
set xlabel 'time (s)'
set ylabel 'requests'
set xrange [0:*]
set yrange [0:*]
plot 'timeline.csv' skip 1 using 1:4 lc rgb blue lw 1.4 title 'running', \
     '' skip 1 using 1:5 lc rgb vermilion lw 1.4 title waiting_title
