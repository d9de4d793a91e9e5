"""What is measured, how, and against whom. ``make bench`` runs all of it; each module runs alone as well."""
