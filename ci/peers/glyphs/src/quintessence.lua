-- `quintessence` of the shipped vault, from its inherited state on. Gives a function that activates it
-- `count` times and returns the last state.
return function(R0, M0, P0, C0, E0)
    local active = { true, true, true, true, true }
    local huge = math.huge

    local function finite(x)
        return x > -huge and x < huge
    end

    local function activate()
        local R, M, P, C, E = R0, M0, P0, C0, E0
        for i = 1, 5 do
            if not active[i] then return nil end
        end
        if not (C >= 80 and E > 0) then return nil end
        R = R * 0.5
        E = E + 1; R = R + 136.1 * 0.2
        E = E + 1; R = R + 210.42 * 0.2
        E = E + 1.25; R = R + 528 * 0.2
        E = E + 1; R = R + 741 * 0.2
        E = E + 1.5; R = R + 963 * 0.2
        M = M * 1.5
        P = P + 15
        M = M * (1 - 0.1); C = C - 1
        if C > 90 then C = 100 else C = C + 10 end
        R = R * 1.25
        M = M * 0.75
        P = P - 30
        M = M * (1 - 0.2); C = C - 2
        if C > 90 then C = 100 else C = C + 10 end
        M = M * 2
        M = M * (1 - 0.05)
        if not (finite(R) and finite(M) and finite(P) and finite(E)) then return nil end
        -- The write of the cell: its magnitude, phase and coherence.
        local magnitude, phase, coherence = 100 * M, P * 0.017453292519943295, 10 * C
        if not finite(magnitude) then return nil end
        return R, M, P, C, E, magnitude, phase, coherence
    end

    return function(count)
        local R, M, P, C, E
        for _ = 1, count do
            R, M, P, C, E = activate()
        end
        return R, M, P, C, E
    end
end
