# How the cost of a run grows; argument: the folder of bench_loads.py.
set datafile separator ","
stats ARG1."/series0.csv" using ($2 / $1) skip 1 nooutput
set terminal pngcairo size 1200,800 font "DejaVu Sans,11"
set output ARG1."/cost.png"
set multiplot layout 2,2 title "kvcast: what a run costs"
set logscale xy
set format x "10^{%L}"
set format y "10^{%L}"
set grid lc rgb "#dddddd"
set key top left
set border 3
set tics nomirror
set xlabel "requests"
set ylabel "seconds"
plot ARG1."/series0.csv" using 1:2 skip 1 with linespoints pt 7 lc rgb "#1f77b4" title "time", \
     "" using 1:(STATS_min * $1) skip 1 with lines dt 2 lc rgb "#888888" \
     title sprintf("%.1f us a request", 1e6 * STATS_min)
unset format
set yrange [*:*]
set ylabel "microseconds a request"
set key off
set xlabel "output length, times the default"
plot ARG1."/series1.csv" using 1:($3 / 1000) skip 1 with linespoints pt 7 lc rgb "#1f77b4"
set xlabel "requests a step"
plot ARG1."/series2.csv" using 1:($3 / 1000) skip 1 with linespoints pt 7 lc rgb "#1f77b4"
set xlabel "requests/s"
plot ARG1."/series3.csv" using 1:($3 / 1000) skip 1 with linespoints pt 7 lc rgb "#1f77b4"
unset multiplot
