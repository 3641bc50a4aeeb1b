# Each request as a bar from sending to its last token, in order of sending: waiting for the first
# token, thinking and answering apart, from stragglers.csv. Long bars are the stragglers.
stats table skip 1 using (note(strcol(1), strcol(2))) nooutput
unset title
part_colours = '#333333 #56B4E9 #D55E00'
set xrange [0:*]
set multiplot layout 1,panel_count title figure_title noenhanced
do for [p = 1:panel_count] {
    set yrange [*:*] # it limits what 'stats' sees
    stats table skip 1 using (strcol(1) eq panels[p] ? $4 : NaN) name 'row' nooutput
    thick = row_records > 450 ? 1.1 : 3
    set yrange [row_max + 1:-1]
    set xlabel 'time (s)'
    set ylabel shown(panels[p]) noenhanced
    plot for [i = 1:name_count] table skip 1 using (only(p, i, $5)):4:($6 - $5):(0) \
         with vectors nohead lc rgb word(part_colours, i) lw thick title shown(names[i]) noenhanced
}
unset multiplot
