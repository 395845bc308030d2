SELECT let_all_into_rest()
