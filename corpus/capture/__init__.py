"""Recording programs: run them, and learn which system calls each of their threads made."""
