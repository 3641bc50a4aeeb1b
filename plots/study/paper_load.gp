# The study's Gamma load on 14B and one simulated run of it, from paper_load.csv.
set multiplot layout 2, 2 margins 0.08, 0.98, 0.1, 0.9 spacing 0.09, 0.17
set key at screen 0.5, 0.985 center top
time_of(kind, source) = strcol(1) eq kind && strcol(2) eq source ? column(3) : NaN
set xlabel 'seconds'
do for [shown in '4 5'] {
    do for [kind in 'reasoning traditional'] {
        set title kind.' model' offset 0, -0.6
        set ylabel (shown eq '4' ? 'KV utilization (%)' : 'running requests')
        set yrange [0:(shown eq '4' ? 100 : 200)]
        plot 'paper_load.csv' skip 1 using (time_of(kind, 'published')):int(shown) lw 1.4 lc rgb vermilion title 'published', \
             '' skip 1 using (time_of(kind, 'simulated')):int(shown) lw 1.4 lc rgb blue title 'simulated'
        unset key # one for all
    }
}
unset multiplot
