# Common look of all figures; set before it: is_tex, show_legend, figure_title. A terminal, an output
# and the name of the figure's table follow. Colours are Okabe and Ito's, which colour-blind readers
# can tell apart.
orange = '#E69F00'; sky = '#56B4E9'; green = '#009E73'; blue = '#0072B2'
vermilion = '#D55E00'; purple = '#CC79A7'; dark = '#333333'; light = '#DDDDDD'
colours = '#0072B2 #D55E00 #009E73 #E69F00 #CC79A7 #56B4E9'
colour(i) = word(colours, 1 + (i - 1) % 6)
dashes(i) = 1 + (i - 1) / 6 % 5
set datafile separator ','
set datafile missing NaN # rows of other series do not interrupt a line
set encoding utf8
set border 3 lc rgb dark lw 1
set tics nomirror out scale 0.6 textcolor rgb dark
set grid lc rgb light lw 0.8 lt 1
set key nobox samplen 2.5 spacing 1.2
set style data lines
has_title = strlen(figure_title) > 0
if (has_title) { set title figure_title noenhanced }
# Characters above panels that share one title and one legend of so many rows.
above(rows) = 1 + (has_title ? 1.5 : 0) + (show_legend ? 1.3 * rows : 0)
# 1, 2 or 5 times a power of ten: six steps at most over a range.
power(range) = 10 ** floor(log10(range / 6.0))
step(range) = range / power(range) > 30 ? 10 * power(range) : range / power(range) > 12 ? 5 * power(range) : 2 * power(range)

# Text that TeX takes as it is; other characters that mean something to it become spaces.
escaped(c) = strstrt('%_&#$', c) > 0 ? '\'.c : strstrt('\{}^~', c) > 0 ? ' ' : c
tex(text) = strlen(text) == 0 ? '' : escaped(text[1:1]) . tex(text[2:strlen(text)])
shown(text) = is_tex ? tex(text) : text
percent = shown('%')
bullet = is_tex ? '$\bullet$ ' : '● '

# The panels and the series of a table with the columns panel, series, x, y, low and high: a script
# reads it once with 'using (note(strcol(1), strcol(2)))'. What is read is compared, never run.
array panels[16]
array names[64]
panel_count = 0
name_count = 0
panel_is_known(name) = panel_count > 0 && (sum [i = 1:panel_count] (panels[i] eq name)) > 0
name_is_known(name) = name_count > 0 && (sum [i = 1:name_count] (names[i] eq name)) > 0
note_panel(name) = panel_count == 16 || panel_is_known(name) ? 0 : (panel_count = panel_count + 1, panels[panel_count] = name, 0)
note_name(name) = name_count == 64 || name_is_known(name) ? 0 : (name_count = name_count + 1, names[name_count] = name, 0)
note(panel, name) = note_panel(panel) + note_name(name)
is(i, j) = strcol(1) eq panels[i] && strcol(2) eq names[j]
only(i, j, value) = is(i, j) ? value : NaN

# Tables of sweeps name their axes in panels 'x' and 'y', and the values of an axis without numbers in 'columns' and
# 'rows'; what is left are panels of data. Read once with 'using (take(strcol(1), strcol(2)))'.
array columns[256]
array rows[256]
column_count = 0
row_count = 0
x_name = ''
y_name = ''
take_column(name) = column_count == 256 ? 0 : (column_count = column_count + 1, columns[column_count] = name, 0)
take_row(name) = row_count == 256 ? 0 : (row_count = row_count + 1, rows[row_count] = name, 0)
take(panel, name) = panel eq 'x' ? (x_name = name, 0) : panel eq 'y' ? (y_name = name, 0) : \
    panel eq 'columns' ? take_column(name) : panel eq 'rows' ? take_row(name) : note(panel, name)
