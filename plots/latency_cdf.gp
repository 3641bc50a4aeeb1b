# Cumulative distributions of latencies over requests, a panel each, from latency_cdf.csv. Bars are
# where a percentile lies over replications.
bars = 0
stats table skip 1 using (note(strcol(1), strcol(2)), bars = bars + (strlen(strcol(5)) > 0), 0) nooutput
unset title
set ytics 25
set format x '%g'
set key off
names_shown = name_count > 1 ? name_count : 0
entries = names_shown + (bars > 0)
rows = show_legend ? (entries + 3) / 4 : 0
set multiplot layout (panel_count + 1) / 2,2 title figure_title noenhanced \
    margins char 8,3,3.5,above(rows) spacing char 7,4
# One legend for all panels.
entry(i) = i > names_shown ? '95 '.percent.' prediction interval' : shown(names[i])
do for [i = 1:(show_legend ? entries : 0)] {
    set label i bullet.entry(i) noenhanced center \
        at screen ((i - 1) % 4 + 0.5) / (entries < 4 ? entries : 4), screen 1 \
        offset character 0, character -(has_title ? 2.5 : 1) - 1.3 * ((i - 1) / 4) textcolor rgb (i > names_shown ? dark : colour(i))
}
do for [p = 1:panel_count] {
    set yrange [*:*] # it limits what 'stats' sees
    stats table skip 1 using (strcol(1) eq panels[p] ? $3 : NaN) name 'x' nooutput
    # Four octaves and more need a logarithmic axis; five decades and more a tick each second one.
    wide = x_min > 0 && x_max > 16 * x_min
    if (wide) { set logscale x } else { unset logscale x }
    if (wide && x_max > 2e5 * x_min) { set xtics 100 } else { set xtics autofreq }
    if (!wide && x_max > x_min) { set xtics step(x_max - x_min) }
    set yrange [0:100]
    set xlabel shown(panels[p]) noenhanced offset 0,0.3
    set ylabel (p % 2 == 1 ? 'requests ('.percent.')' : '')
    plot for [i = 1:name_count] table skip 1 using (only(p, i, strlen(strcol(5)) == 0 ? $3 : NaN)):4 \
         lc rgb colour(i) dt dashes(i) lw 1.6 notitle, \
         for [i = 1:name_count] table skip 1 using (only(p, i, strlen(strcol(5)) > 0 ? $3 : NaN)):4:5:6 \
         with xerrorbars pt 7 ps 0.4 lc rgb colour(i) lw 1.2 notitle
    unset label
}
unset multiplot
