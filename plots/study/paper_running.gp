# Batches of 16 over time, as the study shows them, and where nine out of ten simulated passes
# are at the times that it shows. From paper_running.csv.
names = 'GSM8K MATH500 AIME2024 GPQA'
set xlabel 'seconds'
set multiplot layout 2, 3 margins 0.08, 0.98, 0.08, 0.85 spacing 0.09, 0.15
set key at screen 0.62, 0.985 right top vertical
time_of(model, dataset, series) = strcol(1) eq model && strcol(2) eq 'reasoning' && \
    strcol(3) eq dataset && strcol(4) eq series ? column(5) : NaN
do for [series in 'running kv_pct'] {
    set ylabel (series eq 'running' ? 'running requests' : 'KV utilization (%)')
    do for [name in 'MATH500 GPQA'] {
        set title '7B, '.name
        step = name eq 'GPQA' || series eq 'running' ? 50 : 20
        set xtics step
        plot 'paper_running.csv' skip 1 using (time_of('7B', name, series)):8:7:9 with yerrorbars pt 7 ps 0.5 lw 1.2 lc rgb sky title 'simulated, 90 %', \
             '' skip 1 using (time_of('7B', name, series)):8 with lines lc rgb blue title 'median', \
             '' skip 1 using (time_of('7B', name, series)):6 with linespoints pt 7 ps 0.8 lc rgb vermilion title 'published'
        unset key # one for all
    }
    set title '14B, printed trace'
    set xtics 20
    plot 'paper_running.csv' skip 1 using (time_of('14B', 'MATH500', series)):8:7:9 with yerrorbars pt 7 ps 0.5 lw 1.2 lc rgb sky title 'simulated, 90 %', \
         '' skip 1 using (time_of('14B', 'MATH500', series)):8 with lines lc rgb blue title 'median', \
         '' skip 1 using (time_of('14B', 'MATH500', series)):6 with linespoints pt 7 ps 0.8 lc rgb vermilion title 'published'
}
unset multiplot
