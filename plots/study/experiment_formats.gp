# Throughput against accuracy of weight formats, with the 95 % interval of the accuracy over the answers
# that were graded, from experiment_formats.csv.
set xlabel 'right answers ('.percent.')'
set ylabel 'output tokens/s'
set key off
set offsets 2, 2, 150, 100
plot table skip 1 using 3:2:4:5 with xerrorbars pt 7 ps 1.4 lw 1.4 lc rgb blue, \
     '' skip 1 using 3:2:1 with labels noenhanced offset 0,1.1 textcolor rgb dark
