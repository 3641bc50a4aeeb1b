# End-to-end time and time per token against the GPUs set apart for prompts, from experiment_ratios.csv
# (four rows a load).
array loads[2] = ['long answers', 'long prompts']
array colours[2] = [blue, vermilion]
set multiplot layout 1, 2 margins 0.08, 0.98, 0.13, 0.9 spacing 0.1
set xlabel 'GPUs for prompts and for what follows'
set xrange [-0.5:3.5]
set logscale y
set format y '%g'
set ylabel 'end-to-end time, p90 (s)'
plot for [i = 1:2] 'experiment_ratios.csv' skip 1 every ::4 * (i - 1)::4 * i - 1 using 0:5:xtic(2) \
     with linespoints pt 7 lw 1.8 lc rgb colours[i] title loads[i]
set ylabel 'time per output token, p90 (ms)'
unset logscale y
set yrange [0:*]
plot for [i = 1:2] 'experiment_ratios.csv' skip 1 every ::4 * (i - 1)::4 * i - 1 using 0:4:xtic(2) \
     with linespoints pt 7 lw 1.8 lc rgb colours[i] title loads[i]
unset multiplot
