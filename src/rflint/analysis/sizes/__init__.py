"""What becomes of a model at other sizes of its input, as far as that is known.

`find_size_facts` (find.py) asks; `SizeFacts` (facts.py) is the answer.
"""
