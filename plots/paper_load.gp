# The study's Gamma load on 14B and one simulated run of it, from paper_load.csv.
set multiplot layout 2, 2 margins 0.08, 0.98, 0.1, 0.9 spacing 0.09, 0.17
set key at screen 0.5, 0.985 center top
pick(kind, source) = sprintf("< awk -F, '$1 == \"%s\" && $2 == \"%s\"' paper_load.csv", kind, source)
set xlabel 'seconds'
do for [column in '4 5'] {
    do for [kind in 'reasoning traditional'] {
        set title kind.' model' offset 0, -0.6
        set ylabel (column eq '4' ? 'KV utilization (%)' : 'running requests')
        set yrange [0:(column eq '4' ? 100 : 200)]
        plot pick(kind, 'published') using 3:int(column) lw 1.4 lc rgb vermilion title 'published', \
             pick(kind, 'simulated') using 3:int(column) lw 1.4 lc rgb blue title 'simulated'
        unset key # one for all
    }
}
unset multiplot
