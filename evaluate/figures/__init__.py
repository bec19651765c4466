"""The figures: one file each, `style` that they share, `data` that they show.

`all_figures` says which figures a comparison of runs has.
"""
