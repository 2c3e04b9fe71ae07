"""Measurements that anyone can repeat: instances are files, results are dated pages."""
