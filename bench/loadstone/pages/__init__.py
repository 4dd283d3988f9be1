"""A look into live processes: what compressed memory would make of their anonymous pages."""
