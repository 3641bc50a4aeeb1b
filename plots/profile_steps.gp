# Step times of a profile over batch and over chunk, a line for each context, from profile_steps.csv.
contexts(kind) = system("grep '^".kind."' profile_steps.csv | cut -d, -f3 | sort -nu | tr '\\n' ' '")
colours = '#0072B2 #56B4E9 #009E73 #E69F00 #D55E00 #CC79A7'
set logscale xy
set format xy '%g'
set ylabel 'milliseconds a step'
set multiplot layout 1,2
do for [kind in 'decode prefill'] {
    list = contexts(kind)
    set xlabel (kind eq 'decode' ? 'requests that decode' : 'tokens of the chunk')
    set key left top vertical noopaque title 'context' nobox inside
    plot for [i = 1:words(list)] sprintf("< awk -F, '$1 == \"%s\" && $3 == %s' profile_steps.csv | sort -t, -k2n", kind, word(list, i)) \
         using 2:4 with linespoints pt 7 ps 0.6 lw 1.5 lc rgb word(colours, 1 + (i - 1) % 6) title word(list, i)
}
unset multiplot
