"""Raw elements <-> values: reading arguments, rules, remembered heads, writing, splicing."""
