"""Each fault excuses at most so much. No I/O, no clock."""


class Budget:
    """Hands out excuses. An excuse is a token, which serves once, and it is at the cost of a fault, which bears only so
    many. Where an excuse is all used up, those that have it are asked whether they can do with another one."""

    def __init__(self, capacity):
        self.capacity = capacity  # by the fault's number
        self.bearer = {}  # the token that each demand has
        self.holder = {}  # the demand that has it, by token
        self.borne = {}  # the tokens that are at a fault's cost
        self.choices = {}

    def excuse(self, demand, tokens):
        """Whether one of the tokens, pairs of whatever tells them apart and a fault's number, can be had for it."""
        self.choices[demand] = list(tokens)
        return self._find(demand, set(), set())

    def _find(self, demand, seen, full):
        for token in self.choices[demand]:
            if token in seen:
                continue
            seen.add(token)
            if token in self.holder:
                # Its holder takes another one, if it can.
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
            # A holder that is sent on frees its place with the fault.
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
