# A figure of a sweep over its first setting: a line for each value of the second, a panel for each combination of the
# others, bars where replications lie. From sweep_lines.csv.
stats table skip 1 using (take(strcol(1), strcol(2))) nooutput
stats table skip 1 using (strcol(1) eq panels[1] ? $3 : NaN) name 'first' nooutput
unset title
many = panel_count > 1
across = panel_count > 4 ? 3 : many ? 2 : 1
if (name_count == 1) { set key off }
if (column_count > 0) {
    set xrange [-0.3:column_count - 0.7]
    set xtics () rotate by (column_count > 4 ? -25 : 0)
    do for [i = 1:column_count] { set xtics add (shown(columns[i]) i - 1) }
} else {
    if (first_min > 0 && first_max > 16 * first_min) { set logscale x }
}
set yrange [0:*]
set xlabel shown(x_name) noenhanced
set multiplot layout (panel_count + across - 1) / across,across title figure_title noenhanced
do for [p = 1:panel_count] {
    set title (many ? shown(panels[p]) : '') noenhanced
    set ylabel (p % across == 1 || across == 1 ? shown(y_name) : '') noenhanced
    plot for [i = 1:name_count] table skip 1 using 3:(only(p, i, $4)) with linespoints pt 7 ps 0.7 \
         lc rgb colour(i) dt dashes(i) lw 1.4 title shown(names[i]) noenhanced, \
         for [i = 1:name_count] table skip 1 using 3:(only(p, i, strlen(strcol(5)) > 0 ? $4 : NaN)):5:6 \
         with yerrorbars pt 7 ps 0.2 lc rgb colour(i) lw 1.2 notitle
}
unset multiplot
