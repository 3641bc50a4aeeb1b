# Step times of a profile over batch and over chunk, a line for each context, from profile_steps.csv.
colours = '#0072B2 #56B4E9 #009E73 #E69F00 #D55E00 #CC79A7'
none = 1e30
array contexts[32]
set logscale xy
set format xy '%g'
set ylabel 'milliseconds a step'
set multiplot layout 1,2
do for [kind in 'decode prefill'] {
    # Contexts from the smallest on: each is the least of those above the last.
    count = 0
    last = -1
    while (count < 32) {
        stats 'profile_steps.csv' skip 1 using (strcol(1) eq kind && $3 > last ? $3 : none) name 'next' nooutput
        if (next_min >= none) { break }
        count = count + 1
        last = next_min
        contexts[count] = last
    }
    set xlabel (kind eq 'decode' ? 'requests that decode' : 'tokens of the chunk')
    set key left top vertical noopaque title 'context' nobox inside
    plot for [i = 1:count] 'profile_steps.csv' skip 1 \
         using (strcol(1) eq kind && $3 == contexts[i] ? $2 : NaN):4 smooth unique \
         with linespoints pt 7 ps 0.6 lw 1.5 lc rgb word(colours, 1 + (i - 1) % 6) title sprintf('%g', contexts[i])
}
unset multiplot
