"""From words to a Plan: options, plan files, parameters, order."""
