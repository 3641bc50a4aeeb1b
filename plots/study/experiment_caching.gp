# What prefix caching gains a request against the load, from experiment_caching.csv (nine rows a case,
# four cases a model).
array models[4] = ['1.5B', '7B', '14B', '32B']
array colours[4] = [blue, green, vermilion, orange]
array first[2] = [1, 2]
array found[2] = ['the template is found', 'the question was asked before']
set logscale x 2
set format x '%g'
set multiplot layout 1, 2 margins 0.08, 0.98, 0.13, 0.96 spacing 0.11
set xlabel 'running requests'
set xzeroaxis lw 1 lc rgb 'black'
set key inside top left vertical
do for [k = 1:2] {
    set ylabel 'gain a request, '.found[k].' (µs)'
    plot for [i = 1:4] 'experiment_caching.csv' skip 1 every ::36 * (i - 1) + 9 * first[k]::36 * (i - 1) + 9 * first[k] + 8 \
         using 4:7 with linespoints pt 7 lw 1.8 lc rgb colours[i] title models[i]
}
unset multiplot
