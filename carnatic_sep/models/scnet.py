"""SCNet (Tong et al., ICASSP 2024)."""
