# Simulated against published, for each cell of the study's tables that prints it; suspect cells are
# left out. From paper_tables.csv; the lines are equality and 25 % either way.
set logscale xy
set format xy '%g'
names = 'GSM8k MATH500 AIME24 GPQA'
colours = '#0072B2 #E69F00 #009E73 #CC79A7'
set multiplot layout 1,2
do for [part = 1:2] {
    first = (part == 1 ? 13 : 15)
    what = (part == 1 ? 'pass time (s)' : 'tokens/s as the study counts')
    set xlabel what.', published'
    set ylabel what.', simulated'
    set key inside left top vertical noopaque reverse Left
    plot x with lines lc rgb dark lw 1 notitle, x * 1.25 with lines lc rgb light notitle, \
         x / 1.25 with lines lc rgb light notitle, \
         for [i = 1:4] 'paper_tables.csv' skip 1 \
         using (strcol(8) eq word(names, i) && strcol(19) eq '' && strcol(13) ne '' ? column(first) : NaN):(column(first + 1)) with points pt 7 ps 0.7 lc rgb word(colours, i) title word(names, i)
}
unset multiplot
