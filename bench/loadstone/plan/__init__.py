"""Plans: the request, plan files, values of parameters, the order of Steps."""
