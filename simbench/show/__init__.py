"""Showing results: bands over runs, growth laws, figures, tables; everything is computed before it is drawn.

style          sizes, fonts, colours
bands          mean, interval and spread over runs
growth         which law a cumulative regret follows (growth_law: the result; growth_fit: the least squares)
curves         regret curves with bands and laws; what `Trace.plot` draws
scatter        coverage against value
tables         text and Markdown tables
figure_script  what a script in paper_figures/ is
figures        from results to PDF and PNG
reference      the committed reference results
"""
