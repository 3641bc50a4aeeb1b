# Points below bf16 by size of the model, from experiment_precisions.csv.
set xlabel 'size of the model (billions of weights)'
set ylabel 'points below bf16'
set logscale x
set xrange [1.2:100]
set xtics (1.5, 7, 14, 32, 70)
list = '"weights 4-bit AWQ" "weights 3-bit AWQ" "weights 4-bit GPTQ" "KV 4-bit QuaRot" "KV 4-bit KVQuant*" "KV 3-bit KVQuant*"'
shift(i) = 1.025 ** (i - 3.5) # side by side, so that bars do not hide each other
colour(i) = int(word('0x0072B2 0x56B4E9 0x009E73 0xD55E00 0xE69F00 0xCC79A7', i))
plot 0 lc rgb dark lw 0.5 notitle, \
     for [i=1:6] 'experiment_precisions.csv' skip 1 \
     using (strcol(1) eq word(list, i) ? column(3) * shift(i) : NaN):4:5 with yerrorbars pt 7 ps 1.2 lc rgb colour(i) title word(list, i)
