# The same load on a reasoning and on a traditional model: KV use and running requests, from
# contrast.csv.
stats table skip 1 using (note(strcol(1), strcol(2))) nooutput
stats table skip 1 using 3 name 'time' nooutput
set xrange [0:time_max]
set yrange [0:*]
unset title
set multiplot layout 2,1 title figure_title noenhanced margins char 9,3,3.5,above(name_count / 4 + 1) spacing char 0,1.5
if (show_legend) { set key at screen 0.5, screen 0.99 - (has_title ? 0.05 : 0) center top horizontal maxrows name_count / 4 + 1 }
set format x ''
do for [p = 1:2] {
    if (p == 2) { set format x '%g'; set xlabel 'time (s)'; set key off }
    set ylabel shown(panels[p]) noenhanced
    plot for [i = 1:name_count] table skip 1 using 3:(only(p, i, $4)) \
         lc rgb word('#0072B2 #E69F00 #009E73 #D55E00 #CC79A7 #56B4E9', 1 + (i - 1) % 6) dt dashes(i) lw 1.4 \
         title shown(names[i]) noenhanced
}
unset multiplot
