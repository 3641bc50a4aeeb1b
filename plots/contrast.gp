# The same load on a reasoning and on a traditional model: KV use and running requests, from
# timeline.csv and contrast_timeline.csv.
set xrange [0:*]
set yrange [0:*]
stats 'timeline.csv' skip 1 using 1 name 'time' nooutput
set xrange [0:time_max]
set multiplot layout 2,1 margins 0.09,0.98,0.1,0.93 spacing 0,0.06
set format x ''
set ylabel 'KV cache in use (%)'
plot 'timeline.csv' skip 1 using 1:($2 * 100) lc rgb blue lw 1.4 title 'reasoning model', \
     'contrast_timeline.csv' skip 1 using 1:($2 * 100) lc rgb orange lw 1.8 title 'traditional model'
set format x '%g'
set key off
set xlabel 'time (s)'
set ylabel 'running requests'
plot 'timeline.csv' skip 1 using 1:4 lc rgb blue lw 1.4 title 'reasoning model', \
     'contrast_timeline.csv' skip 1 using 1:4 lc rgb orange lw 1.8 title 'traditional model'
unset multiplot
