"""Which burned-in lines may stay, under a treatment that says so."""
