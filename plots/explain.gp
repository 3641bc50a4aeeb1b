# Predicted against measured: running requests and KV use over time, and the ratio of step prices to
# measured steps by regime, from explain_state.csv and explain_steps.csv.
set multiplot layout 3,1 margins 0.09,0.96,0.08,0.94 spacing 0,0.12
stats 'explain_state.csv' skip 1 using 2 name 'time' nooutput
set xrange [0:time_max]
set yrange [0:*]
set ylabel 'running requests'
set xlabel 'time (s)'
plot 'explain_state.csv' skip 1 using 2:(strcol(1) eq 'measured' ? $3 : NaN) with steps lc rgb blue lw 1.8 title 'measured', \
     '' skip 1 using 2:(strcol(1) eq 'predicted' ? $3 : NaN) with steps lc rgb orange lw 1.1 title 'predicted'
set key off
set ylabel 'KV cache in use (%)'
plot 'explain_state.csv' skip 1 using 2:(strcol(1) eq 'measured' ? $4 * 100 : NaN) with steps lc rgb blue lw 1.8, \
     '' skip 1 using 2:(strcol(1) eq 'predicted' ? $4 * 100 : NaN) with steps lc rgb orange lw 1.1
set key at graph 1, 1.2 right top horizontal maxrows 1 noopaque
set xrange [0.8:*]
set logscale x
set yrange [-15:15]
clipped(percent) = percent > 15 ? 15 : percent < -15 ? -15 : percent # what lies beyond is on the edge
set ylabel 'price − measured (%, beyond ±15 on the edge)'
set xlabel 'tokens of the step'
plot 'explain_steps.csv' skip 1 using ($1 == 0 ? $3 : NaN):(clipped(100 * ($6 / $5 - 1))) with points pt 7 ps 0.25 lc rgb sky title 'pure decode', \
     '' skip 1 using ($1 == 1 ? $3 : NaN):(clipped(100 * ($6 / $5 - 1))) with points pt 9 ps 0.7 lc rgb green title 'piecewise graph', \
     '' skip 1 using ($1 >= 2 ? $3 : NaN):(clipped(100 * ($6 / $5 - 1))) with points pt 5 ps 0.6 lc rgb vermilion title 'no graph', \
     0 lc rgb dark lw 0.8 notitle
unset multiplot
