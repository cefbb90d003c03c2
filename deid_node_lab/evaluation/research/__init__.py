"""Whether research survives a fill: tasks on whole volumes, before and after."""
