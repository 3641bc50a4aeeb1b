# Each request as a bar from sending to its last token, in order of sending: waiting for the first
# token, thinking and answering apart, from requests.csv. Long bars are the stragglers.
stats 'requests.csv' skip 1 using 1 name 'all' nooutput
one_in = int(all_records / 400.0) + 1
thick = all_records > 150 ? 1.1 : 3
thinking_end(x) = strlen(strcol(11)) > 0 ? column(11) : column(12)
set xlabel 'time (s)'
set ylabel (one_in > 1 ? sprintf('request (one in %d shown)', one_in) : 'request')
set xrange [0:*]
set yrange [*:*] reverse
plot 'requests.csv' skip 1 every one_in using 8:1:($10 - $8):(0) with vectors nohead lc rgb dark lw thick title 'to first token', \
     '' skip 1 every one_in using 10:1:(thinking_end(0) - $10):(0) with vectors nohead lc rgb sky lw thick title 'thinking', \
     '' skip 1 every one_in using (thinking_end(0)):1:($12 - thinking_end(0)):(0) with vectors nohead lc rgb vermilion lw thick title 'visible answer'
