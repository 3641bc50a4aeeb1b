# Accuracy and KV high-water mark against the token budget, from experiment_budgets.csv.
set logscale x 2
set format x '%g'
set xlabel 'token budget'
set ylabel 'right answers (%)'
set y2label 'KV cache in use (%)'
set y2tics nomirror
set yrange [0:100]
set y2range [0:*]
plot 'experiment_budgets.csv' skip 1 using 1:2 with linespoints pt 7 lw 1.8 lc rgb blue title 'right answers', \
     '' skip 1 using 1:($3 * 100) axes x1y2 with linespoints pt 5 lw 1.8 lc rgb vermilion title 'KV peak (right axis)', \
     '' skip 1 using 1:($4 * 100) axes x1y2 with linespoints pt 5 lw 1 lc rgb orange title 'KV mean (right axis)'
