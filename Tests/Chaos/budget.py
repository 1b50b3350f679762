"""Limits how much each fault can excuse. It has no I/O and no clock."""


class Budget:
    """Assigns excuses to demands. An excuse is a token that can be used once. It belongs to a fault, which has a limited
    capacity. If all suitable tokens are in use, their holders are moved to other tokens where possible."""

    def __init__(self, capacity):
        self.capacity = capacity  # a function from a fault's number to its capacity
        self.bearer = {}  # the token of each demand
        self.holder = {}  # the demand that has a token
        self.borne = {}  # the tokens in use, by fault
        self.choices = {}  # the suitable tokens of each demand

    def excuse(self, demand, tokens):
        """Assigns one of the tokens to the demand, and returns whether that was possible. A token is a tuple that ends with
        the number of its fault."""
        self.choices[demand] = list(tokens)
        return self._find(demand, set(), set())

    def _find(self, demand, seen, full):
        for token in self.choices[demand]:
            if token in seen:
                continue
            seen.add(token)
            if token in self.holder:
                # The holder moves to another token if it can.
                holder = self.holder[token]
                if self._find(holder, seen, full):
                    self._give(demand, token)
                    return True
            elif self._has_room(token[-1], seen, full):
                self._give(demand, token)
                return True
        return False

    def _has_room(self, fault, seen, full):
        borne = self.borne.setdefault(fault, set())
        if len(borne) < self.capacity(fault):
            return True
        if fault in full:
            return False
        full.add(fault)
        for token in list(borne):
            # Moving a holder to another fault frees capacity of this one.
            if token not in seen and self._find(self.holder[token], seen | {token}, full):
                return True
        return False

    def _give(self, demand, token):
        former = self.bearer.get(demand)
        if former is not None and self.holder.get(former) == demand:
            del self.holder[former]
            self.borne[former[-1]].discard(former)
        self.bearer[demand], self.holder[token] = token, demand
        self.borne.setdefault(token[-1], set()).add(token)
