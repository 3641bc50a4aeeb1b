# Length models as dotted curves, p50, p90 and p99 of the responses as squares, from experiment_lengths.csv.
set xlabel 'output tokens'
set ylabel 'share of answers at most as long'
set logscale x
set xrange [100:40000]
set yrange [0:1]
set key outside right top vertical samplen 1.5 spacing 1.1
set style data lines
list = '"math-500,DeepSeek-R1-Distill-Qwen-32B" "aime-2024,DeepSeek-R1-Distill-Qwen-32B" "gpqa-diamond,DeepSeek-R1-Distill-Qwen-14B" "gpqa-diamond,DeepSeek-R1-Distill-Qwen-7B" "gpqa-diamond,Llama-3.3-70B-Instruct" "math,Qwen2.5-Math-7B"'
names = '"32B, MATH-500" "32B, AIME-2024" "14B, GPQA" "7B, GPQA" "traditional 70B, GPQA" "Qwen2.5-Math, MATH"'
colour(i) = int(word('0x0072B2 0xD55E00 0x009E73 0xE69F00 0xCC79A7 0x333333', i))
is(i, what) = (strcol(1) . ',' . strcol(2) eq word(list, i)) && (strcol(3) eq what)
plot for [i=1:6] 'experiment_lengths.csv' skip 1 using 5:(is(i, 'model') ? column(4) : NaN) with points pt 7 ps 0.35 lc rgb colour(i) title word(names, i), \
     for [i=1:6] '' skip 1 using 5:(is(i, 'responses') ? column(4) : NaN) with points pt 4 ps 1.6 lc rgb colour(i) notitle, \
     NaN with points pt 4 ps 1.6 lc rgb 0x333333 title 'p50, p90, p99 of responses'
