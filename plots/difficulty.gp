# Running time follows difficulty: end-to-end time against output length by dataset, from
# difficulty.csv.
stats table skip 1 using (note(strcol(1), strcol(2))) nooutput
unset title
set logscale xy
set format xy '%g'
set xlabel 'output tokens, reasoning included'
set ylabel 'end to end (s)'
set multiplot layout 1,panel_count title figure_title noenhanced
do for [p = 1:panel_count] {
    if (panel_count > 1) { set title shown(panels[p]) noenhanced }
    plot for [i = 1:name_count] table skip 1 using (only(p, i, $3)):4 \
         with points pt 6 ps 0.6 lc rgb colour(i) title shown(names[i]) noenhanced
}
unset multiplot
