# Throughput against accuracy of weight formats, from experiment_formats.csv.
set xlabel 'right answers (%)'
set ylabel 'output tokens/s'
set key off
set offsets 3, 3, 150, 100
plot 'experiment_formats.csv' skip 1 using 3:2 with points pt 7 ps 1.4 lc rgb blue, \
     '' skip 1 using 3:2:1 with labels offset 0,1.1 textcolor rgb dark
