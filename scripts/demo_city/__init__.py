"""Drawing of the invented demo city 示例市; see ``make_demo_city.py``."""
