# Cumulative distributions of the four latencies over requests, from requests.csv.
stats 'requests.csv' skip 1 using ($8 >= 0 ? 1 : NaN) name 'all' nooutput
stats 'requests.csv' skip 1 using ($11 - $8) name 'visible' nooutput
set key off
set yrange [0:100]
set ytics 25
set format x '%g'
set logscale x
set title offset 0,-0.5
set multiplot layout 2,2 margins 0.10,0.96,0.09,0.95 spacing 0.10,0.15
set ylabel 'requests (%)'
set title 'time to first token'
set xlabel 'ms'
plot 'requests.csv' skip 1 using (($10 - $8) * 1000):(100.0 / all_records) smooth cumulative with steps lc rgb blue lw 1.6
unset ylabel
set title 'time to first visible token'
set xlabel 's'
plot 'requests.csv' skip 1 using ($11 - $8):(100.0 / visible_records) smooth cumulative with steps lc rgb blue lw 1.6
unset logscale x
set ylabel 'requests (%)'
set title 'time per output token'
set xlabel 'ms'
plot 'requests.csv' skip 1 using ($5 > 1 ? ($12 - $10) / ($5 - 1) * 1000 : NaN):(100.0 / all_records) smooth cumulative with steps lc rgb blue lw 1.6
set logscale x
unset ylabel
set title 'end to end'
set xlabel 's'
plot 'requests.csv' skip 1 using ($12 - $8):(100.0 / all_records) smooth cumulative with steps lc rgb blue lw 1.6
unset multiplot
