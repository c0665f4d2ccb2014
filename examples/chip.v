// A core of two heads between its streams; the arrays, or their model, take the place of the zeros.
//
//   gaincell verilog --core tiny --heads 2 -o core.v
//   iverilog -g2005 -s chip -o chip chip.v core.v
module chip (
    input          clk, rst,
    input  [161:0] token,
    input          token_valid, result_ready, request_ready, response_valid,
    output         token_ready, result_valid, request_valid, response_ready,
    output [111:0] result,
    output [5:0]   request,
    input  [97:0]  response
);
    wire [15:0] query;
    wire [47:0] k_code, v_code;
    wire [1:0]  k_tile, k_column, v_tile, v_column;
    wire [63:0] pulse = 0, sign = 0;

    gaincell_core core (
        .clk(clk), .rst(rst),
        .token_payload(token), .token_valid(token_valid), .token_ready(token_ready),
        .result_payload(result), .result_valid(result_valid), .result_ready(result_ready),
        .refresh_request_payload(request), .refresh_request_valid(request_valid),
        .refresh_request_ready(request_ready), .refresh_response_payload(response),
        .refresh_response_valid(response_valid), .refresh_response_ready(response_ready),
        .status_fill(), .status_refreshed(), .status_dropped(), .status_worst_age(),
        .array_k_write_enable(), .array_k_write_broadcast(), .array_k_write_tile(k_tile),
        .array_k_write_column(k_column), .array_k_write_code(k_code),
        .array_v_write_enable(), .array_v_write_broadcast(), .array_v_write_tile(v_tile),
        .array_v_write_column(v_column), .array_v_write_code(v_code),
        .array_query(query), .array_k_reset(), .array_k_integrate(), .array_k_convert(),
        .array_v_reset(), .array_v_integrate(), .array_v_convert(),
        .array_pulse(pulse), .array_sign(sign)
    );
endmodule
