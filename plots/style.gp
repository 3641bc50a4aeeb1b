# Common look of all figures; a terminal and an output are set after it. Colours are Okabe and
# Ito's, which colour-blind readers can tell apart.
orange = '#E69F00'; sky = '#56B4E9'; green = '#009E73'; blue = '#0072B2'
vermilion = '#D55E00'; purple = '#CC79A7'; dark = '#333333'; light = '#DDDDDD'
set datafile separator ','
set encoding utf8
set border 3 lc rgb dark lw 1
set tics nomirror out scale 0.6 textcolor rgb dark
set grid lc rgb light lw 0.8 lt 1
set key outside top center horizontal nobox samplen 2.5 spacing 1.2
set style data lines
