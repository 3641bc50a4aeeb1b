# A figure of a sweep by two settings, a panel for each combination of the others, from sweep_heat.csv. Colours rise in
# lightness, so that they can be told apart in grey too.
stats table skip 1 using (take(strcol(1), strcol(2))) nooutput
unset title
unset grid
set key off
set palette defined (0 '#f7fbff', 0.35 '#9ecae1', 0.7 '#3182bd', 1 '#08306b')
stats table skip 1 using (strlen(strcol(5)) > 0 ? $5 : NaN) name 'value' nooutput
set cbrange [value_min:(value_max > value_min ? value_max : value_min + 1)]
set cblabel shown(names[1]) noenhanced
set xrange [-0.5:column_count - 0.5]
set yrange [-0.5:row_count - 0.5]
set xtics () rotate by (column_count > 6 ? -30 : 0)
set ytics ()
do for [i = 1:column_count] { set xtics add (shown(columns[i]) i - 1) }
do for [i = 1:row_count] { set ytics add (shown(rows[i]) i - 1) }
set xlabel shown(x_name) noenhanced
set ylabel shown(y_name) noenhanced
across = panel_count > 1 ? 2 : 1
middle = (value_min + value_max) / 2
ink(value) = value > middle ? 0xffffff : 0x333333
has_room = column_count * across <= 16
set multiplot layout (panel_count + across - 1) / across,across title figure_title noenhanced
do for [p = 1:panel_count] {
    set title (panel_count > 1 ? shown(panels[p]) : '') noenhanced
    plot table skip 1 using (strcol(1) eq panels[p] ? $3 : NaN):4:($3 - 0.5):($3 + 0.5):($4 - 0.5):($4 + 0.5):5 \
         with boxxyerror fs solid 1 border lc rgb 'white' fc palette, \
         '' skip 1 using (strcol(1) eq panels[p] && has_room ? $3 : NaN):4:(sprintf('%.3g', $5)):(ink($5)) \
         with labels tc rgb variable
}
unset multiplot
