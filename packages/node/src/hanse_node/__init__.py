"""The data station of Hanse: runs vetted algorithms next to its data and hands out only results."""
